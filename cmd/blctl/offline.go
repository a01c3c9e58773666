package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// openOffline starts a dnsbld that opens a store, and returns a client of it.
// A store that cannot be opened is reported at the first request.
func openOffline(ctx context.Context, file string, stderr io.Writer) (*ctl.Client, func() error, error) {
	client, end, err := startOffline(stderr, "--store", file)
	if err != nil {
		return nil, nil, err
	}
	if _, err := client.Status(ctx); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return client, end, nil
}

// startOffline starts `dnsbld offline` at the other end of a socket pair, which
// ends when the pair is closed; end waits for that.
func startOffline(stderr io.Writer, args ...string) (_ *ctl.Client, end func() error, err error) {
	path, err := findDnsbld()
	if err != nil {
		return nil, nil, err
	}
	client, other, closePair, err := ctl.Pair()
	if err != nil {
		return nil, nil, err
	}
	defer other.Close() // dnsbld has its own
	helper := exec.Command(path, append([]string{"offline"}, args...)...)
	helper.Stdin, helper.Stderr = other, stderr
	if err := helper.Start(); err != nil {
		return nil, nil, fmt.Errorf("starting dnsbld: %w", errors.Join(err, closePair()))
	}
	return client, func() error { return errors.Join(closePair(), helper.Wait()) }, nil
}

// findDnsbld is the path of dnsbld: beside this program, else in $PATH.
func findDnsbld() (string, error) {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "dnsbld")
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return beside, nil
		}
	}
	path, err := exec.LookPath("dnsbld")
	if err != nil {
		return "", &listing.Error{Kind: listing.ErrUnavailable, Code: "no-dnsbld", Message: "there is no program dnsbld, which opens the store",
			Hint: "install it beside blctl, or in a directory of $PATH"}
	}
	return path, nil
}
