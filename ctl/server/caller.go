package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"

	"dnsbld/connlimit"
	"dnsbld/listing"
)

// callerKey is the key of an identity in the context of a connection.
type callerKey struct{}

// identity is what is known of a connection: a caller, or why there is none.
type identity struct {
	listing.Caller
	err error
}

// WithCaller makes requests with the context come from a caller. It is for use
// without a socket, where there is no peer to ask about.
func WithCaller(ctx context.Context, c listing.Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, identity{Caller: c})
}

// callerOf is who sent a request. A request that nobody vouches for is refused.
func callerOf(ctx context.Context) (listing.Caller, error) {
	id, ok := ctx.Value(callerKey{}).(identity)
	if !ok {
		return listing.Caller{}, refused("there is nobody behind this connection", "use the control socket")
	}
	return id.Caller, id.err
}

// connContext notes who is at the other end of a connection.
func connContext(ctx context.Context, c net.Conn) context.Context {
	var id identity
	raw := c
	if counted, ok := c.(*connlimit.Conn); ok {
		raw = counted.Conn
	}
	id.Caller, id.err = peer(raw)
	return context.WithValue(connlimit.Context(ctx, c), callerKey{}, id)
}

// peer asks the kernel who connected.
func peer(c net.Conn) (listing.Caller, error) {
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return listing.Caller{}, refused("this is not a Unix socket, so nobody knows who asks", "use the control socket")
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return listing.Caller{}, fmt.Errorf("asking who connected: %w", err)
	}
	var uid uint32
	var groups []uint32
	var asked error
	err = raw.Control(func(fd uintptr) { uid, groups, asked = peerCredentials(int(fd)) })
	if err := errors.Join(err, asked); err != nil {
		return listing.Caller{}, fmt.Errorf("asking who connected: %w", err)
	}
	who, err := callerByUID(uid)
	who.Groups = groups
	return who, err
}

// callerByUID names a user. The kernel shows users of another namespace as the
// overflow uid: it is nobody, even where it has a name.
func callerByUID(uid uint32) (listing.Caller, error) {
	if uid == 0 {
		return listing.Caller{UID: 0, Name: "root"}, nil
	}
	id := strconv.FormatUint(uint64(uid), 10)
	u, err := user.LookupId(id)
	if err != nil || uid == overflowUID() || listing.Printable(u.Username) != u.Username {
		return listing.Caller{}, refused("user "+id+" has no name on this host",
			"changes are kept under the name of who made them: run blctl as a user with an account")
	}
	return listing.Caller{UID: uid, Name: u.Username}, nil
}

// overflowUID is what the kernel shows instead of a user of another user
// namespace (user_namespaces(7)), usually nobody.
func overflowUID() uint32 {
	const usual = 65534
	raw, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return usual
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 32)
	if err != nil {
		return usual
	}
	return uint32(n)
}

// refused is the error for a caller who cannot be named: each change is kept
// under a name.
func refused(message, hint string) error {
	return &listing.Error{Kind: listing.ErrPolicy, Code: "unknown-user", Message: message, Hint: hint}
}
