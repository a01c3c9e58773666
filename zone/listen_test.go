package zone

import (
	"context"
	"net"
)

// Listen is ListenWorkers with one worker.
func Listen(ctx context.Context, address string) (net.PacketConn, net.Listener, error) {
	packets, stream, err := ListenWorkers(ctx, address, 1)
	if err != nil {
		return nil, nil, err
	}
	return packets[0], stream, nil
}
