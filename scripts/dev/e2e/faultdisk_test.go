//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// faultDisk is a disk that loses power and fails: see scripts/dev/faultfs, which has
// the meaning of what is sent.
type faultDisk struct {
	t  *testing.T
	mu sync.Mutex // guards to and from
	to *json.Encoder
	in *json.Decoder
}

type diskCommand struct {
	Do    string
	Seed  uint64
	From  int
	Fault diskFault
	File  string
}

type diskFault struct {
	Op, File     string
	Errno        syscall.Errno
	From         int64
	After, Times int
}

type diskAnswer struct {
	Position, Hits, At int
	Why, Error         string
}

// newFaultDisk mounts one on the folder "disk" in a directory. Where nothing can be
// mounted the test is not run, and says so.
func newFaultDisk(t *testing.T, bin, dir string) *faultDisk {
	t.Helper()
	folder := filepath.Join(dir, "disk")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "faultfs"), folder)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil && !t.Skipped() {
			t.Errorf("faultfs: %v", err)
		}
	})
	d := &faultDisk{t: t, to: json.NewEncoder(in), in: json.NewDecoder(out)}
	if err := d.in.Decode(&diskAnswer{}); err != nil {
		if _, missing := os.Stat("/dev/fuse"); missing == nil && os.Geteuid() == 0 && mayMount() {
			t.Fatalf("faultfs does not answer: %v", err)
		}
		t.Skip("NOT RUN, and nothing of it is shown here: a FUSE file system must be mounted, as root with CAP_SYS_ADMIN and /dev/fuse " +
			"(in a container: --device /dev/fuse --cap-add SYS_ADMIN)")
	}
	return d
}

// mayMount reports whether this process could mount anything.
func mayMount() bool { return exec.Command("unshare", "-m", "true").Run() == nil }

func (d *faultDisk) do(c diskCommand) (a diskAnswer) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.to.Encode(c)
	if err == nil {
		err = d.in.Decode(&a)
	}
	if err != nil || a.Error != "" {
		d.t.Errorf("faultfs: %+v: %s, %v", c, a.Error, err)
	}
	return a
}

// position is how many operations the disk has seen.
func (d *faultDisk) position() int { return d.do(diskCommand{}).Position }
