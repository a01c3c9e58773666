package freeport

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// Whoever asks at the same time finds another port, and what something has nobody finds.
func TestFind(t *testing.T) {
	taken, err := net.Listen("tcp4", Address(t))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if isFree(taken.Addr().String()) {
		t.Errorf("%s is free, and something listens there", taken.Addr())
	}
	const askers, each = 8, 50
	var all sync.WaitGroup
	found := make(chan netip.AddrPort, askers*each)
	for range askers {
		all.Go(func() {
			for range each {
				at, release, err := Find()
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(release)
				found <- at
			}
		})
	}
	all.Wait()
	close(found)
	seen := map[netip.AddrPort]bool{}
	for at := range found {
		if seen[at] || at.Port() < first || at.Port() >= first+many || at.String() == taken.Addr().String() {
			t.Errorf("%s is found again, or should not be", at)
		}
		seen[at] = true
	}
}

// A port that is released is found again.
func TestRelease(t *testing.T) {
	at, release, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("@dnsbld-port-%d", at.Port())
	if _, err := net.Listen("unix", name); err == nil {
		t.Error("nobody holds it")
	}
	release()
	release()
	again, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
