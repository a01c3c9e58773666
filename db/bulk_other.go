//go:build !linux

package db

// onBulkThread runs f. Only Linux has priorities of threads.
func onBulkThread(f func()) { f() }
