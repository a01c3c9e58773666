package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dnsbld/listing"
)

// nobody is an environment in which no daemon can be reached.
func nobody(name string) string {
	if name == "BLCTL_SOCKET" {
		return "/nowhere"
	}
	return ""
}

// TestMTAConfig compares what mta-config prints with testdata/mtaconfig; the
// end-to-end scripts have the mail servers read it. -update writes it.
func TestMTAConfig(t *testing.T) {
	for _, server := range mtas {
		for mode := range mtaModes {
			t.Run(server+"/"+mode, func(t *testing.T) {
				var out, errs bytes.Buffer
				status := run(t.Context(), []string{"blctl", "mta-config", server, "--zone", "bl.test", "--mode", mode}, nil, &out, &errs, nobody)
				if status != exitDone {
					t.Fatalf("exit %d: %s", status, errs.String())
				}
				golden := filepath.Join("testdata", "mtaconfig", server+"-"+mode)
				if *update {
					if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out.Bytes(), want) {
					t.Errorf("it is not what %s has:\n%s", golden, out.String())
				}
			})
		}
	}
}

// The codes are those that are answered, as ranges that hold no other.
func TestMTAPattern(t *testing.T) {
	for want, codes := range map[string][]listing.Reason{
		"127.0.0.[2]": {2}, "127.0.0.[2..4]": {4, 2, 3}, "127.0.0.[2;4;100..101;254]": {2, 4, 100, 101, 254}, "127.0.0.[22;24]": {22, 23, 24},
	} {
		var answered []listing.ReasonInfo
		for _, c := range codes {
			answered = append(answered, listing.ReasonInfo{Code: c})
		}
		if got := (mtaPage{Reasons: mtaReasons("balanced", answered)}).Pattern(); got != want {
			t.Errorf("%v: %s, want %s", codes, got, want)
		}
	}
	for address, want := range map[string]string{"127.0.0.1:10040": "inet:127.0.0.1:10040", "0.0.0.0:10": "inet:127.0.0.1:10", "[::]:10": "inet:127.0.0.1:10",
		"[2001:db8::1]:10": "inet:[2001:db8::1]:10", "unix:/run/policy": "unix:/run/policy"} {
		if got := policyPeer(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// The README shows what is printed.
func TestREADMEShowsPostfix(t *testing.T) {
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"blctl", "mta-config", "postfix", "--zone", "bl.example.test"}, nil, &out, &errs, nobody); status != exitDone {
		t.Fatal(errs.String())
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.Contains(string(readme), "    "+line+"\n") {
			t.Errorf("the README lacks %q", line)
		}
	}
}
