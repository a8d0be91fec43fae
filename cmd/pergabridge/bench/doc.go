// Package bench measures a real bridge: the program itself, as a process of its own with a store on
// disk, between peers on this machine. Whoever measures is another process than what is measured,
// so that time on the processor and memory are the bridge's alone.
//
// The rate is effects at the sink ÷ time from the start to the last effect, drain included; nothing
// that is still queued counts. Both sides share the machine: compare seconds of the processor as
// well as the time that passed.
package bench
