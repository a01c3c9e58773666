// Command bench compares DNS blocklist servers on one machine and measures what operating dnsbld costs.
//
// It exists because the figures that matter here are not in any stock tool: the figure of merit is the CPU time a
// server spends on one answer (run time of all its threads, from /proc, over the answers of the same window), taken
// beside its peers in the same run, since absolute times on a shared machine mean little.
//
// Invariants: data and queries follow from a seed alone; the generator reads nothing from disk while a window is
// open; every reply's rcode and counts are checked, and a sample of contents; a run with a wrong answer is void;
// open-loop latencies count from the moment a query was due, not from when it was sent; only processes started here
// are ended, by pid; everything has a time limit.
//
// Its figures are not those of a server on a network: loopback is no network card, and two cores are no server.
package main
