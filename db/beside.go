package db

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// MirrorState is what was last kept of the primary beside a list that is a mirror;
// nil: nothing. It lies in FILE.mirror, as JSON, and is of no use to another list.
func MirrorState(path string) ([]byte, error) {
	raw, err := os.ReadFile(path + ".mirror")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}

// SetMirrorState keeps it.
func SetMirrorState(path string, state []byte) error {
	if err := replaceFile(path+".mirror", state); err != nil {
		return fmt.Errorf("keeping the state of the mirror: %w", err)
	}
	return nil
}
