package db

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dnsbld/listing"
)

// OpenKey reads the secret of tokens and references of letters; the first time
// it is made. Without it nobody can tell our letters from others.
func OpenKey(path string) ([]byte, error) {
	const octets = 32
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(path, octets)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key of the support desk: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) != octets {
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-key", Message: fmt.Sprintf("%s is not the key of a support desk: %d hexadecimal digits", path, 2*octets),
			Hint: "put back the key that was there, or move the file away: a new one is made, and tokens and letters signed before no longer verify"}
	}
	return key, nil
}

// newKey makes a key whole or not at all.
func newKey(path string, octets int) ([]byte, error) {
	key := make([]byte, octets)
	rand.Read(key)                                             // never fails (crypto/rand)
	f, err := os.CreateTemp(filepath.Dir(path), ".desk.key.*") // 0600
	if err != nil {
		return nil, fmt.Errorf("making the key of the support desk: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, fmt.Errorf("making the key of the support desk: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return key, nil
}
