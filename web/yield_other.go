//go:build !linux

package web

// yieldToQueries does nothing. Only Linux has priorities of threads.
func yieldToQueries() {}
