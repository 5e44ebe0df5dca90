-- wrk calls this once at the end; one line of JSON is all that the benchmark reads. Times in microseconds.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d,' ..
        '"bad_status":%d,"broken":%d,"timeouts":%d}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), latency.max, errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
