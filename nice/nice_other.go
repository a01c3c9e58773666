//go:build !linux

package nice

// Only Linux has priorities of threads, and turns.
func lower()   {}
func shorten() {}
