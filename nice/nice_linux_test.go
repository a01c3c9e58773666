package nice

import (
	"syscall"
	"testing"
)

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
