package db

import (
	"syscall"
	"testing"
)

func TestBulkThread(t *testing.T) {
	var thread, nice int
	onBulkThread(func() {
		thread = syscall.Gettid()
		nice, _ = syscall.Getpriority(syscall.PRIO_PROCESS, thread)
	})
	if nice = 20 - nice; nice < bulkNice { // as the system call gives it
		t.Errorf("a thread of priority %d, want %d", nice, bulkNice)
	}
	defer func() {
		if recover() != "mine" {
			t.Error("the panic did not come across")
		}
	}()
	onBulkThread(func() { panic("mine") })
}
