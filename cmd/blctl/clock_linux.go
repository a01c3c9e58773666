package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// timeError is what adjtimex(2) returns while the clock is not synchronised.
const timeError = 5

// clockSynchronised asks the kernel whether something keeps its clock right.
func clockSynchronised() error {
	state, err := unix.Adjtimex(new(unix.Timex))
	if err == nil && state == timeError {
		err = errors.New("nothing synchronises it")
	}
	return err
}
