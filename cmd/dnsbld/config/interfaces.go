package config

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// interfaceAddresses are this host's global addresses. Private ones count among
// them: mail that comes from there is ours all the same.
func interfaceAddresses() ([]string, error) {
	var found []netip.Addr
	addresses, err := net.InterfaceAddrs()
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			found = append(found, p.Addr().WithZone(""))
		}
	}
	if err != nil { // there is no netlink: the unit of systemd does not give it
		found, err = kernelAddresses(os.DirFS("/proc/self/net"))
	}
	var texts []string
	for _, a := range found {
		if text := a.String(); a.IsGlobalUnicast() && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts, err
}

// kernelAddresses reads what the kernel shows of its addresses in files: in
// fib_trie a line "|-- 192.0.2.1" followed by "/32 host LOCAL" is one of ours, in
// if_inet6 each line begins with one in hexadecimal digits. A host without IPv6 has
// no such file.
func kernelAddresses(proc fs.FS) (found []netip.Addr, err error) {
	v4, err := fs.ReadFile(proc, "fib_trie")
	if err != nil {
		return nil, err
	}
	v6, err := fs.ReadFile(proc, "if_inet6")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var last netip.Addr
	for line := range strings.Lines(string(v4)) {
		if _, text, leaf := strings.Cut(line, "|-- "); leaf {
			last, _ = netip.ParseAddr(strings.TrimSpace(text))
		} else if strings.TrimSpace(line) == "/32 host LOCAL" && last.IsValid() {
			found = append(found, last)
		}
	}
	for line := range strings.Lines(string(v6)) {
		digits, _, _ := strings.Cut(line, " ")
		raw, err := hex.DecodeString(digits)
		if a, ok := netip.AddrFromSlice(raw); ok && err == nil {
			found = append(found, a)
		}
	}
	return found, nil
}
