//go:build e2e

package feed_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
)

// What is written is read by the programs it is for, and they say of every
// address near a boundary what the rules say.

// program finds a program of a Debian package.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Fatalf("%s is missing: apt-get install %s", name, pkg)
	return ""
}

// exported writes the sample in a format to a file that others may read.
func exported(t *testing.T, format string) (file string, all []listing.Entry, hide []listing.Subject, ask []netip.Addr) {
	t.Helper()
	all = entries(t, sample+zoneExtra)
	slices.SortStableFunc(all, func(a, b listing.Entry) int { return a.Subject.Compare(b.Subject) })
	o := options(format)
	o.Hide = []listing.Subject{subject(t, "198.51.100.128/26")}
	text, err := write(t, o, all)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file = filepath.Join(dir, "list")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{filepath.Dir(dir), dir} { // servers started as root change their user
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range append(subjects(all), o.Hide...) {
		for _, a := range []netip.Addr{s.Addr(), s.Addr().Prev(), s.Addr().Next(), lastOf(s), lastOf(s).Next()} {
			if !slices.Contains(ask, a) {
				ask = append(ask, a)
			}
		}
	}
	return file, all, o.Hide, ask
}

// zoneExtra are labels that IPv4 and IPv6 share.
const zoneExtra = `
2.6.0.0/24 manual
2.6.1.0/25 manual
2600::/20 manual
2600:1::7 helo-bare-ip
`

func run(t *testing.T, stdin string, argv ...string) string {
	t.Helper()
	c := exec.Command(argv[0], argv[1:]...)
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return string(out)
}

func TestPostfixReads(t *testing.T) {
	postmap := program(t, "postmap", "postfix")
	file, all, hide, ask := exported(t, "postfix-cidr")
	var keys strings.Builder
	for _, a := range ask {
		fmt.Fprintln(&keys, a)
	}
	config := t.TempDir() // that of the package may not be there
	if err := os.WriteFile(filepath.Join(config, "main.cf"), []byte("compatibility_level = 3.6\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	verdict := map[string]string{}
	for line := range strings.Lines(run(t, keys.String(), postmap, "-c", config, "-q", "-", "cidr:"+file)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		verdict[key] = value
	}
	for _, a := range ask {
		want := len(listedFor(all, hide, a)) > 0
		if got := strings.HasPrefix(verdict[a.String()], "REJECT 5.7.1 "); got != want {
			t.Errorf("%s: %q, listed %v", a, verdict[a.String()], want)
		}
	}
}

func TestNftablesReads(t *testing.T) {
	nft := program(t, "nft", "nftables")
	unshare := []string{program(t, "unshare", "util-linux"), "-rn"}
	if os.Getuid() == 0 {
		unshare[1] = "-n"
	}
	file, all, hide, ask := exported(t, "nftables")
	// Loaded twice: it makes the sets equal the list, whatever was there.
	script := "set -e; nft=$1; file=$2; shift 2; $nft -c -f $file; $nft -f $file; $nft -f $file\n" +
		"for a; do case $a in *:*) set=listed6;; *) set=listed4;; esac\n" +
		"if $nft get element inet dnsbld $set \"{ $a }\" >/dev/null 2>&1; then echo $a yes; else echo $a no; fi; done\n"
	argv := append(unshare, "sh", "-c", script, "sh", nft, file)
	for _, a := range ask {
		argv = append(argv, a.String())
	}
	verdict := map[string]string{}
	for line := range strings.Lines(run(t, "", argv...)) {
		address, found, _ := strings.Cut(strings.TrimSpace(line), " ")
		verdict[address] = found
	}
	for _, a := range ask {
		want := map[bool]string{true: "yes", false: "no"}[len(listedFor(all, hide, a)) > 0]
		if verdict[a.String()] != want {
			t.Errorf("%s: %q, want %q", a, verdict[a.String()], want)
		}
	}
}

func TestNameServersReadZone(t *testing.T) {
	file, _, _, _ := exported(t, "zone")
	run(t, "", program(t, "named-checkzone", "bind9-utils"), "bl.test", file)
	run(t, "", program(t, "nsd-checkzone", "nsd"), "bl.test", file)
	file, _, _, _ = exported(t, "rpz")
	run(t, "", program(t, "named-checkzone", "bind9-utils"), "bl.test", file)
}

// rbldnsd answers the same reasons and texts.
func TestRbldnsdReads(t *testing.T) {
	rbldnsd := program(t, "rbldnsd", "rbldnsd")
	file, all, hide, ask := exported(t, "rbldnsd")
	argv := []string{"-n", "-b", "127.0.0.1/" + strconv.Itoa(freePort(t))}
	if os.Getuid() == 0 {
		argv = append(argv, "-u", "nobody")
	}
	c := exec.Command(rbldnsd, append(argv, "bl.test:combined:"+file)...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	r := resolver(strings.ReplaceAll(argv[2], "/", ":"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if found, _ := r.LookupHost(ctx, "2.0.0.127.bl.test."); slices.Equal(found, []string{"127.0.0.2"}) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("rbldnsd does not answer")
		}
		time.Sleep(20 * time.Millisecond) // it takes its time to start
	}
	for _, a := range ask {
		var want []string
		for _, reason := range listedFor(all, hide, a) {
			want = append(want, fmt.Sprintf("127.0.0.%d", reason))
		}
		name := owner(a) + ".bl.test."
		got, err := r.LookupHost(ctx, name)
		var none *net.DNSError
		if err != nil && (!errors.As(err, &none) || !none.IsNotFound) {
			t.Fatal(err)
		}
		slices.Sort(want)
		slices.Sort(got)
		got = slices.Compact(got) // one of each source
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", a, got, want)
		}
	}
	texts, err := r.LookupTXT(ctx, "9.2.0.192.bl.test.")
	if want := `192.0.2.9 sent "mail" for $5; see \path; https://bl.test/192.0.2.9`; err != nil || !slices.Equal(texts, []string{want}) {
		t.Errorf("%q, %v; want %q", texts, err, want)
	}
	texts, err = r.LookupTXT(ctx, "7.2.0.192.bl.test.")
	if want := catalogue(t).TXT(listing.BareIP, subject(t, "192.0.2.7"), "", "https://bl.test/"); err != nil || !slices.Equal(texts, []string{want}) {
		t.Errorf("%q, %v; want %q", texts, err, want)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

func resolver(server string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server)
	}}
}
