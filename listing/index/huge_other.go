//go:build !linux

package index

// useHugePages does nothing: this system does not take such wishes.
func (s *Set) useHugePages() (pages int) { return 0 }
