package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrDenied is in the chain of errors about addresses that must not be called.
var ErrDenied = errors.New("address denied")

// metadata are the addresses under which clouds hand credentials to any process that asks. Nothing
// the bridge talks to lives there.
var metadata = prefixes(
	"169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", // AWS, Azure, Google, OpenStack; ECS and EKS
	"100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32", // Alibaba, Oracle, Azure wire server
	"fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", // AWS, EKS, Google
)

// inner are all addresses that are not public, by the IANA registries of special addresses.
var inner = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/3",
	"::/96", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "64:ff9b:1::/48",
	"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

// nat64 holds IPv4 addresses in its last four bytes.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// Guard returns a check for [net.Dialer.Control]: it sees the address that is really dialled, after
// every name look-up, so a name cannot be swapped between check and use. Metadata addresses of
// clouds are always denied. With public, for addresses that come from messages, so is everything
// that is not a public address, except what allow lists.
func Guard(public bool, allow ...netip.Prefix) func(network, address string, c syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s %s is not an IP address", ErrDenied, network, address)
		}
		return checkAddr(ap.Addr(), public, allow)
	}
}

func checkAddr(a netip.Addr, public bool, allow []netip.Prefix) error {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if contains(metadata, a) {
		return fmt.Errorf("%w: %s hands out cloud credentials", ErrDenied, a)
	}
	if public && contains(inner, a) && !contains(allow, a) {
		return fmt.Errorf("%w: %s is not a public address", ErrDenied, a)
	}
	return nil
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
