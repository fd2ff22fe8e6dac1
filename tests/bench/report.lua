-- SPDX-License-Identifier: ISC
-- For wrk: prints what it measured as JSON. Times are milliseconds.

function done(summary, latency)
	local e = summary.errors
	io.write(string.format(
		'{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"errors":%d}\n',
		summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
		e.connect + e.read + e.write + e.status + e.timeout))
end
