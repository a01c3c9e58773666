//go:build darwin || freebsd

package server

import (
	"golang.org/x/sys/unix"
)

// peerCredentials are the user at the other end of a Unix socket and his
// groups, the first 16 of them (LOCAL_PEERCRED, unix(4)).
func peerCredentials(fd int) (uid uint32, groups []uint32, err error) {
	cred, err := unix.GetsockoptXucred(fd, 0, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, nil, err
	}
	n := min(int(cred.Ngroups), len(cred.Groups))
	return cred.Uid, append([]uint32(nil), cred.Groups[:n]...), nil
}
