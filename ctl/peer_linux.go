package ctl

import "golang.org/x/sys/unix"

// peerUID is the user at the other end of a Unix socket (SO_PEERCRED, unix(7)).
func peerUID(fd int) (uint32, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return cred.Uid, nil
}
