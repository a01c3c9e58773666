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
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/feed"
	"dnsbld/scripts/dev/freeport"
)

// The programs that our files are for read them, and say of every address near a
// boundary what the rules say.

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
	return shared(t, text), all, o.Hide, around(append(subjects(all), o.Hide...))
}

// shared is a file that others may read: servers started as root change their
// user.
func shared(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "list")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// around are the addresses at the boundaries of prefixes.
func around(subjects []listing.Subject) (ask []netip.Addr) {
	for _, s := range subjects {
		for _, a := range []netip.Addr{s.Addr(), s.Addr().Prev(), s.Addr().Next(), lastOf(s), lastOf(s).Next()} {
			if a.IsValid() && !slices.Contains(ask, a) {
				ask = append(ask, a)
			}
		}
	}
	return ask
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
		want := len(listedFor(catalogue(t), all, hide, a)) > 0
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
		want := map[bool]string{true: "yes", false: "no"}[len(listedFor(catalogue(t), all, hide, a)) > 0]
		if verdict[a.String()] != want {
			t.Errorf("%s: %q, want %q", a, verdict[a.String()], want)
		}
	}
}

func TestNameServersReadRPZ(t *testing.T) {
	file, _, _, _ := exported(t, "rpz")
	run(t, "", program(t, "named-checkzone", "bind9-utils"), "rpz.test", file)
}

// serve starts rbldnsd with a file and returns a resolver that asks it.
func serve(t *testing.T, kind, file string) *net.Resolver {
	t.Helper()
	address := freeport.Address(t)
	argv := []string{"-n", "-b", strings.Replace(address, ":", "/", 1)}
	if os.Getuid() == 0 {
		argv = append(argv, "-u", "nobody")
	}
	c := exec.Command(program(t, "rbldnsd", "rbldnsd"), append(argv, "bl.test:"+kind+":"+file)...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	})
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", address)
	}}
	if len(answers(t, r, netip.MustParseAddr("127.0.0.2"))) == 0 { // which waits until it has started
		t.Fatal("rbldnsd does not list the test point")
	}
	return r
}

// answers are what an address is answered with, each once.
func answers(t *testing.T, r *net.Resolver, a netip.Addr) []string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; { // asked again when no answer came
		got, err := r.LookupHost(t.Context(), owner(a)+".bl.test.")
		var none *net.DNSError
		switch {
		case err == nil, errors.As(err, &none) && none.IsNotFound:
			slices.Sort(got)
			return slices.Compact(got)
		case none == nil || time.Now().After(end):
			t.Fatal(err)
		}
	}
}

// rbldnsd answers the same reasons and texts.
func TestRbldnsdReads(t *testing.T) {
	file, all, hide, ask := exported(t, "rbldnsd")
	r := serve(t, "combined", file)
	for _, a := range ask {
		var want []string
		for _, reason := range listedFor(catalogue(t), all, hide, a) {
			want = append(want, fmt.Sprintf("127.0.0.%d", reason))
		}
		slices.Sort(want)
		if got := answers(t, r, a); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", a, got, want)
		}
	}
	for name, want := range map[string]string{
		"9.2.0.192.bl.test.": `192.0.2.9 sent "mail" for $5; see \path; https://bl.test/192.0.2.9`,
		"7.2.0.192.bl.test.": catalogue(t).TXT(listing.BareIP, subject(t, "192.0.2.7"), "", "https://bl.test/"),
	} {
		if texts, err := r.LookupTXT(t.Context(), name); err != nil || !slices.Equal(texts, []string{want}) {
			t.Errorf("%s: %q, %v; want %q", name, texts, err, want)
		}
	}
}

// A data file lists here what it lists in rbldnsd.
func TestReadsLikeRbldnsd(t *testing.T) {
	for kind, text := range map[string]string{
		"ip4set": "192.0.2.0/25\n!192.0.2.9-12 x\n198.51.100\n!198.51.100.128/25\n203.0.113.4-203.0.113.99 :3:y\n" +
			"10.1-2\n10.5-10.6\n10.9.0-5\n172.16/12\n100-101\n!100.64.3\n192.0.2.200;c\n192.0.2.201:4\n",
		"ip4trie": "192.0.2.0/25\n!192.0.2.8/30\n192.0.2.9\n198.51.100\n203.0.113.4/31 text\n172.16/12\n10.0/16\n!10.0.7\n",
		"ip4tset": "192.0.2.1\n192.0.2.2 :3\n",
		"ip6trie": "2001:db8:c000/36\n!2001:db8:c001::/48\n2001:db8:c001::7\n2600:1:2:3\n::1\n::2/127\n!2600:1:2:3::9\n::ffff:7f00:2\n",
		"ip6tset": "2001:db8:1:2\n!2001:db8:1:2::7\n2001:db8:1:4\n",
		"generic": "7.2.0.192 A 127.0.0.2\nwww A 127.0.0.1\n7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.2\n",
	} {
		t.Run(kind, func(t *testing.T) {
			text := map[bool]string{true: "127.0.0.2\n"}[strings.HasPrefix(kind, "ip4")] + text
			var all []listing.Entry
			r, err := feed.Read(strings.NewReader(text), feed.Options{Format: "rbldnsd:" + kind, Reason: listing.Imported})
			if err != nil {
				t.Fatal(err)
			}
			for e, err := range r.Entries() {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, e)
			}
			server := serve(t, "combined", shared(t, "$DATASET "+kind+" @\n"+text+"$DATASET generic @\n2.0.0.127 A 127.0.0.2\n"))
			for _, a := range around(subjects(all)) {
				got, want := len(answers(t, server, a)) > 0, len(listedFor(catalogue(t), all, nil, a)) > 0
				if got != want && a.Unmap() != netip.MustParseAddr("127.0.0.2") {
					t.Errorf("%s: rbldnsd says %v, here it is %v", a, got, want)
				}
			}
		})
	}
}
