//go:build darwin || freebsd

package main

import "golang.org/x/sys/unix"

// peerUser is the user at the other end of a Unix socket (LOCAL_PEERCRED,
// unix(4)).
func peerUser(fd int) (int, error) {
	cred, err := unix.GetsockoptXucred(fd, 0, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}
