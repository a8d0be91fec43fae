// Package metrics is the bridge in numbers, for Prometheus. [Metrics] observes the engine
// ([engine.Observer]) and asks the store at every scrape. Every label value comes from the config
// or from a fixed set, so that the number of series is bounded; the words are those of the package
// bridge.
//
//	pergabridge_events_accepted_total            provider entrance status
//	pergabridge_attempts_total                   destination outcome reason
//	pergabridge_attempt_duration_seconds         destination
//	pergabridge_delivery_age_seconds             destination: reception to the end of a done try
//	pergabridge_settled_total                    destination state reason
//	pergabridge_lanes_stopped_total              destination reason: lanes that were parked
//	pergabridge_store_call_duration_seconds      call
//	pergabridge_store_errors_total               call
//	pergabridge_loop_lag_seconds                 of the last turn of the delivery loop
//	pergabridge_swept_total                      what
//	pergabridge_duty_held                        duty
//	pergabridge_build_info                       version goversion revision
//
// asked from the store:
//
//	pergabridge_store_up                         1 if the store answered this scrape
//	pergabridge_events                           state
//	pergabridge_bonds                            state
//	pergabridge_quarantined                      provider reason
//	pergabridge_lanes                            destination state
//	pergabridge_lane_events                      destination: events in its lanes
//	pergabridge_lane_oldest_age_seconds          destination: 0 when there is none
//	pergabridge_destination_paused               destination
//	pergabridge_destination_failures             destination: tries that failed in a row
//	pergabridge_destination_breaker              destination state: 1 for the state it is in
//
// A store that does not answer leaves these out but for store_up; the scrape itself succeeds.
package metrics
