//go:build !linux

package zone

import "net"

// enlarge leaves a socket the buffers that the system gives it.
func enlarge(uintptr) {}

// receiveDestination leaves it to the system from where a socket answers that
// is bound to no address: with several addresses, have it listen on each.
func receiveDestination(*net.UDPConn) error { return nil }

// fromThere has nothing to go by.
func fromThere([]byte) []byte { return nil }
