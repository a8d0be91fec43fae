package outbound

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

func TestGuard(t *testing.T) {
	free, public := Guard(false), Guard(true)
	allowing := Guard(true, netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"))
	for _, c := range []struct {
		addr                   string
		free, public, allowing bool
	}{
		{"93.184.215.14", true, true, true},
		{"2606:2800:21f:cb07:6820:80da:af6b:8b2c", true, true, true},
		{"127.0.0.1", true, false, false},
		{"127.9.9.9", true, false, false},
		{"0.0.0.0", true, false, false},
		{"10.0.0.1", true, false, false},
		{"10.1.2.3", true, false, true},
		{"172.31.255.255", true, false, false},
		{"172.32.0.1", true, true, true},
		{"192.168.1.1", true, false, false},
		{"100.64.0.1", true, false, false},
		{"169.254.1.1", true, false, true},
		{"169.254.169.254", false, false, false},
		{"::ffff:169.254.169.254", false, false, false},
		{"64:ff9b::a9fe:a9fe", false, false, false},
		{"168.63.129.16", false, false, false},
		{"fd00:ec2::254", false, false, false},
		{"fe80::1%eth0", true, false, false},
		{"::1", true, false, false},
		{"::ffff:10.0.0.1", true, false, false},
		{"::10.0.0.1", true, false, false},
		{"64:ff9b::10.0.0.1", true, false, false},
		{"2002:a00:1::", true, false, false},
		{"fc00::1", true, false, false},
		{"224.0.0.1", true, false, false},
		{"255.255.255.255", true, false, false},
		{"240.0.0.1", true, false, false},
		{"ff02::1", true, false, false},
		{"2001:db8::1", true, false, false},
		{"198.51.100.7", true, false, false},
	} {
		at := net.JoinHostPort(c.addr, "80")
		for name, g := range map[string]struct {
			err  error
			want bool
		}{"free": {free("tcp", at, nil), c.free}, "public": {public("tcp", at, nil), c.public}, "allowing": {allowing("tcp", at, nil), c.allowing}} {
			if g.want {
				require.NoError(t, g.err, "%s %s", name, c.addr)
			} else {
				require.ErrorIs(t, g.err, ErrDenied, "%s %s", name, c.addr)
			}
		}
	}
	require.ErrorIs(t, free("unix", "/run/docker.sock", nil), ErrDenied)
}

func TestGuardSeesWhatANameResolvesTo(t *testing.T) {
	p := peer.New(t, peer.Answer(200, "", "ok"))
	_, port, err := net.SplitHostPort(p.Addr())
	require.NoError(t, err)
	u := "http://localhost:" + port + "/"
	_, err = post(t, client(t, Config{}, Options{Public: true}), u, "x")
	e := failed(t, err)
	require.ErrorIs(t, err, ErrDenied)
	require.Equal(t, NotSent, e.Phase)
	o := Classify(Answer{}, err, Policy{})
	require.Equal(t, bridge.OutcomeRetry, o.Kind)
	require.False(t, o.Down)
	require.Zero(t, p.Conns())

	allowed := client(t, Config{}, Options{Public: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	_, err = post(t, allowed, u, "x")
	require.NoError(t, err)
}

func FuzzGuard(f *testing.F) {
	f.Add("169.254.169.254:80")
	f.Add("[::ffff:169.254.169.254]:80")
	f.Add("[64:ff9b::a9fe:a9fe%1]:80")
	f.Fuzz(func(t *testing.T, addr string) {
		free, public := Guard(false)("tcp", addr, nil), Guard(true)("tcp", addr, nil)
		if free != nil {
			require.Error(t, public, "public allows no more than free")
		}
		ap, err := netip.ParseAddrPort(addr)
		if err != nil {
			require.Error(t, free)
		} else if a := ap.Addr().Unmap(); a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
			require.Error(t, public)
		}
	})
}
