//go:build !linux

package zone

import (
	"context"
	"net"
)

// serveBatches is for systems that move several datagrams at once.
func (s *Server) serveBatches(context.Context, *net.UDPConn) bool { return false }
