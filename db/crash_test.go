package db

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"dnsbld/listing"
)

// Tests that need a process of their own run this program again: the variable
// says what it is to do there, the other one with which file.
const (
	roleVariable = "DB_TEST_ROLE"
	fileVariable = "DB_TEST_FILE"
)

func TestMain(m *testing.M) {
	roles := map[string]func(*DB){"apply": applyForEver, "replace": replaceForEver, "full": fillDisk}
	role := roles[os.Getenv(roleVariable)]
	if role == nil {
		os.Exit(m.Run())
	}
	d, err := Open(os.Getenv(fileVariable), Options{})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	role(d)
}

func child(t *testing.T, role, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, fileVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// applyForEver lists addresses, eight at a time, and says each that is listed.
func applyForEver(d *DB) {
	st, err := d.Status(context.Background())
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	next := make(chan uint32)
	for range 8 {
		go func() {
			for n := range next {
				if _, err := d.Apply(context.Background(), request(fmt.Sprint("apply", n), listEdit(addr4(n)))); err != nil {
					fmt.Println("failed", err)
				}
				fmt.Println(n)
			}
		}()
	}
	for n := uint32(st.Entries); ; n++ {
		next <- n
	}
}

// Whatever was said to be listed is, whenever the process is killed.
func TestCrashApply(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	for round := range 6 {
		said := map[uint32]bool{}
		cmd, out := child(t, "apply", path)
		for out.Scan() {
			n, err := strconv.ParseUint(out.Text(), 10, 32)
			if err != nil {
				t.Fatal(out.Text())
			}
			if said[uint32(n)] = true; len(said) == 20+17*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		d := openTest(t, path)
		if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || v.Records < len(said) {
			t.Fatalf("chain %+v, %v", v, err)
		}
		err := d.View(t.Context(), func(s listing.Snapshot) error {
			for n := range said {
				if _, err := s.Get(listing.Key{Subject: hostSubject(n), Reason: listing.BareIP}); err != nil {
					return fmt.Errorf("%s was acknowledged: %w", addr4(n), err)
				}
			}
			return nil
		})
		if err := errors.Join(err, d.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// crashHosts are the hosts that the source has in turn.
func crashHosts(generation int) []uint32 {
	return clustered(20_000 + 1000*(generation%7))
}

// replaceForEver replaces a source, and says when it begins and has ended.
func replaceForEver(d *DB) {
	for n := 0; ; n++ {
		id := fmt.Sprint(os.Getpid(), "-", n)
		fmt.Println("begin", n)
		if _, err := d.Replace(context.Background(), importing(id, "feed"), feed(crashHosts(n))); err != nil {
			fmt.Println("failed", err)
		}
	}
}

// An import is there as a whole or not at all, whenever the process is killed.
func TestCrashReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	for round := range 8 {
		cmd, out := child(t, "replace", path)
		for out.Scan() {
			if out.Text() == fmt.Sprint("begin ", 1+round%3) {
				time.Sleep(time.Duration(round) * 3 * time.Millisecond) // somewhere within
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		d := openTest(t, path)
		if _, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil {
			t.Fatal(err)
		}
		var listed int
		var stated listing.Source
		err := d.View(t.Context(), func(s listing.Snapshot) error {
			for _, err := range s.Served() {
				if err != nil {
					return err
				}
				listed++
			}
			sources, err := s.Sources()
			if len(sources) == 1 {
				stated = sources[0]
			}
			return err
		})
		if err := errors.Join(err, d.Close()); err != nil {
			t.Fatal(err)
		}
		if listed != stated.Entries || listed%1000 != 0 || listed < 20_000 {
			t.Errorf("%d listed, %d stated", listed, stated.Entries)
		}
	}
}

// fillDisk allows itself no more room than the file has, and says how it goes.
func fillDisk(d *DB) {
	signal.Ignore(syscall.SIGXFSZ)
	ctx, n := context.Background(), uint32(0)
	list := func() error {
		n++
		_, err := d.Apply(ctx, request(fmt.Sprint("fill", n), listEdit(addr4(n))))
		return err
	}
	fmt.Println("with room:", list())
	info, err := os.Stat(d.bolt.Path())
	var room syscall.Rlimit
	err = errors.Join(err, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &room))
	all := room.Cur
	room.Cur = uint64(info.Size())
	fmt.Println("limited:", errors.Join(err, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room)))
	_, err = d.Replace(ctx, importing("large", "feed"), talkative)
	var refused *listing.Error
	fmt.Println("import:", errors.Is(err, listing.ErrUnavailable) && errors.As(err, &refused) && refused.Code == "disk-full")
	st, err := d.Status(ctx)
	fmt.Println("unchanged:", st.Head, st.Entries, st.Sourced, err)
	fmt.Println("small:", list())
	room.Cur = all
	fmt.Println("room again:", errors.Join(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room)))
	fmt.Println("after:", list())
	_, err = d.Replace(ctx, importing("large", "feed"), talkative)
	fmt.Println("import again:", err)
	v, err := d.Verify(ctx)
	fmt.Println("chain:", v.Records, err, d.Close())
}

// talkative is a feed that has much to say of each host.
func talkative(yield func(listing.Entry, error) bool) {
	for n := range uint32(40_000) {
		e := listing.Entry{Key: listing.Key{Subject: hostSubject(n), Reason: listing.Imported}, Note: fmt.Sprintf("%0250d", n)}
		if !yield(e, nil) {
			return
		}
	}
}

// A full disk refuses what does not fit, and nothing else.
func TestFullDisk(t *testing.T) {
	cmd, out := child(t, "full", filepath.Join(t.TempDir(), "listings.db"))
	for _, want := range []string{"with room: <nil>", "limited: <nil>", "import: true", "unchanged: 1 1 0 <nil>", "small: <nil>",
		"room again: <nil>", "after: <nil>", "import again: <nil>", "chain: 4 <nil> <nil>"} {
		if !out.Scan() || out.Text() != want {
			t.Fatalf("got %q, want %q", out.Text(), want)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
