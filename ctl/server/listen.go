package server

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"dnsbld/unixsocket"
)

// Listen binds the control socket, for its owner and its group: they are the
// operators. It makes the directory if there is none.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("making the directory of the control socket: %w", err)
	}
	return unixsocket.Listen(path, unixsocket.Access{})
}
