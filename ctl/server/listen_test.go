package server

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"dnsbld/listing"
)

// The directory that is made for the control socket is closed to others.
func TestListenMakesADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	l, err := Listen(filepath.Join(dir, "control.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestCallers(t *testing.T) {
	if c, err := callerByUID(0); err != nil || c.Name != "root" {
		t.Errorf("uid 0: %+v, %v", c, err)
	}
	for _, uid := range []uint32{4_242_424_242, overflowUID()} {
		if c, err := callerByUID(uid); !errors.Is(err, listing.ErrPolicy) {
			t.Errorf("uid %d: %+v, %v", uid, c, err)
		}
	}
	one, two := net.Pipe()
	defer one.Close()
	defer two.Close()
	if _, err := peer(one); !errors.Is(err, listing.ErrPolicy) {
		t.Errorf("no Unix socket: %v", err)
	}
}
