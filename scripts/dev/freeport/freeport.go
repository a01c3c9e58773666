// Package freeport finds ports for what another program is to bind, in tests and in
// the benchmark. All of them ask here, since two that look for themselves, at the same
// time, find the same one. The end-to-end scripts have free_port for it (lib.sh), out
// of another range.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
)

// The range has no port that a system gives to whoever connects, or asks for any
// (ip_local_port_range): one of those may be taken before the program that it is for
// comes, or while that is away.
const first, many = 10_000, 10_000

// Find is a port of 127.0.0.1 that nothing has, for UDP and TCP. Nobody else finds it
// until release is called or this process has ended: a socket in the abstract namespace
// of Linux, which its number names, is held meanwhile.
func Find() (at netip.AddrPort, release func(), err error) {
	begin := rand.IntN(many)
	for n := range many {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(first+(begin+n)%many))
		held, err := net.Listen("unix", fmt.Sprintf("@dnsbld-port-%d", at.Port()))
		if err != nil {
			continue
		}
		if isFree(at.String()) {
			return at, sync.OnceFunc(func() { held.Close() }), nil
		}
		held.Close()
	}
	return at, nil, errors.New("finding a free port: there is none")
}

func isFree(address string) bool {
	stream, err := net.Listen("tcp4", address)
	if err != nil {
		return false
	}
	stream.Close()
	packets, err := net.ListenPacket("udp4", address)
	if err != nil {
		return false
	}
	packets.Close()
	return true
}

// Test is a *testing.T, or what has as much of one.
type Test interface {
	Helper()
	Fatal(...any)
	Cleanup(func())
}

// Address is such an address for a test, until its end.
func Address(t Test) string {
	t.Helper()
	at, release, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return at.String()
}
