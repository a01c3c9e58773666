package zone

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// On a kernel that does not know recvmmsg, or does not permit it, a worker
// answers one by one, and that is no error.
func TestWorkerWithoutRecvmmsg(t *testing.T) {
	for _, errno := range []unix.Errno{unix.ENOSYS, unix.EPERM} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
			conn := b.binds()
			batches := true
			var done sync.WaitGroup
			done.Go(func() {
				runtime.LockOSThread() // never unlocked: the thread ends with the filter on it
				if err := forbid(unix.SYS_RECVMMSG, errno); err != nil {
					t.Error(err)
					return
				}
				batches = b.server.serveBatches(t.Context(), conn)
			})
			done.Wait()
			if batches {
				t.Fatal("served with a call that is not there")
			}
			done.Go(func() { b.server.serveUDP(t.Context(), conn) })
			if a := b.ask(query("7.2.0.192.bl.test.", "A"), "udp"); len(a.Answer) != 1 {
				t.Error(a)
			}
			if got := b.server.Stats(); got.SocketErrors != 0 || got.UDP["queries"] != 1 || got.UDP["wire"] != 0 {
				t.Errorf("%+v", got)
			}
			conn.Close()
			done.Wait()
		})
	}
}

// forbid has one system call fail on this thread from now on (seccomp(2)).
func forbid(call uint32, errno unix.Errno) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	runtime.KeepAlive(&program)
	return err
}
