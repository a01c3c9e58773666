package server

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peerCredentials are the user at the other end of a Unix socket and the groups
// he had when he connected (SO_PEERCRED and SO_PEERGROUPS, unix(7)).
func peerCredentials(fd int) (uid uint32, groups []uint32, err error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, nil, err
	}
	groups, err = peerGroups(fd)
	return cred.Uid, append(groups, cred.Gid), err
}

// peerGroups asks with a longer buffer when the kernel says how many there are.
func peerGroups(fd int) ([]uint32, error) {
	const size = uint32(unsafe.Sizeof(uint32(0)))
	groups := make([]uint32, 64)
	for {
		length := uint32(len(groups)) * size
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&length)), 0)
		switch {
		case errno == 0:
			return groups[:length/size], nil
		case errors.Is(errno, unix.ERANGE) && length > uint32(len(groups))*size:
			groups = make([]uint32, length/size)
		case errors.Is(errno, unix.ENOPROTOOPT): // before Linux 4.13
			return nil, nil
		default:
			return nil, errno
		}
	}
}
