//go:build darwin || freebsd

package ctl

import "golang.org/x/sys/unix"

// peerUID is the user at the other end of a Unix socket (LOCAL_PEERCRED,
// unix(4)).
func peerUID(fd int) (uint32, error) {
	cred, err := unix.GetsockoptXucred(fd, 0, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return cred.Uid, nil
}
