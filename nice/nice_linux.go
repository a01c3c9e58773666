package nice

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// lower lowers the priority of the thread; a failure leaves it as it is.
func lower() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) }

// turn is the shortest that the kernel gives, in nanoseconds, where others have
// milliseconds.
const turn = 100_000

// shorten shortens the turn of the thread (sched_setattr(2), Linux 6.12; older ones
// take no notice); a failure leaves it as it is.
func shorten() {
	if attr, err := unix.SchedGetAttr(0, 0); err == nil {
		attr.Runtime = turn
		_ = unix.SchedSetAttr(0, attr, 0)
	}
}
