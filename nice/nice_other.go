//go:build !linux

package nice

// lower does nothing: only Linux has priorities of threads.
func lower() {}
