package nice

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The thread has a short turn, where the kernel has such and gives it, and the priority
// that it had.
func TestPrompt(t *testing.T) {
	type turned struct {
		before, after unix.SchedAttr
		given         bool
	}
	done := make(chan turned)
	go func() {
		var r turned
		attr, err := unix.SchedGetAttr(0, 0)
		if err == nil {
			r.before, r.given = *attr, attr.Runtime > 0 && unix.SchedSetAttr(0, attr, 0) == nil
		}
		Prompt()
		if attr, err = unix.SchedGetAttr(0, 0); err == nil {
			r.after = *attr
		}
		done <- r
	}()
	r := <-done
	want := r.before
	if r.given {
		want.Runtime = turn
	}
	if r.after != want {
		t.Errorf("%+v, wanted %+v", r.after, want)
	}
}

func TestDo(t *testing.T) {
	var thread, nice int
	Do(func() {
		thread = syscall.Gettid()
		nice, _ = syscall.Getpriority(syscall.PRIO_PROCESS, thread)
	})
	if nice = 20 - nice; nice < niceness { // as the system call gives it
		t.Errorf("a thread of priority %d, want %d", nice, niceness)
	}
	defer func() {
		if recover() != "mine" {
			t.Error("the panic did not come across")
		}
	}()
	Do(func() { panic("mine") })
}
