-- 4 KiB POSTs; no request function, so wrk writes the same prepared bytes each time.
wrk.method = "POST"
wrk.body = string.rep("x", 4096)
wrk.headers["Content-Type"] = "application/octet-stream"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
dofile(here .. "/report.lua")
