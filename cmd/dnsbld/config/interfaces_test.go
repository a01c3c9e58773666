package config

import (
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"
	"testing/fstest"
)

// The files of the kernel name the same addresses as netlink does.
func TestKernelAddresses(t *testing.T) {
	files := fstest.MapFS{
		"fib_trie": {Data: []byte("Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 192.0.2.0/24 2 0 2\n        |-- 192.0.2.0\n           /24 link UNICAST\n" +
			"        |-- 192.0.2.2\n           /32 host LOCAL\n        |-- 192.0.2.255\n           /32 link BROADCAST\nLocal:\n        |-- 127.0.0.0\n           /8 host LOCAL\n           /32 link BROADCAST\n        |-- x\n           /32 host LOCAL\n")},
		"if_inet6": {Data: []byte("20010db8000000000000000000000001 02 40 00 80 eth0\nrubbish\n")},
	}
	want := []netip.Addr{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")}
	if got, err := kernelAddresses(files); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	delete(files, "if_inet6")
	if got, err := kernelAddresses(files); err != nil || len(got) != 1 {
		t.Errorf("without IPv6: %v, %v", got, err)
	}
	if got, err := kernelAddresses(fstest.MapFS{}); err == nil {
		t.Errorf("without any: %v", got)
	}
	if runtime.GOOS != "linux" {
		return
	}
	all, err := interfaceAddresses()
	if err != nil {
		t.Fatal(err)
	}
	here, err := kernelAddresses(os.DirFS("/proc/self/net"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if !slices.Contains(here, netip.MustParseAddr(a)) {
			t.Errorf("%s is not in %v", a, here)
		}
	}
}
