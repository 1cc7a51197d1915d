"""The dashboard of a test: served by this process and queried over HTTP."""

import http.client
import io
import threading
from contextlib import contextmanager

from PIL import Image

from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.web.dashboard import Dashboard, make_server
from searchctl.orchestrator.web.pictures import PictureStore
from searchctl.orchestrator.web.report import ReportApp

TOKEN = "a-token-of-tests-0123456789"


@contextmanager
def served(app, token=None, host="127.0.0.1"):
    with make_server(app, host, 0, token) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def dashboard_of(sweeps, report=ReportApp):
    engine = open_database(sweeps.url)
    return Dashboard(sweeps.url, PictureStore(engine), report(engine))


def picture_of(job):
    """Return a PNG that is as wide as the job's trial and as high as its rung."""
    buffer = io.BytesIO()
    Image.new("RGB", (job.trial + 1, job.rung + 1), "red").save(buffer, "PNG")
    return buffer.getvalue()


def ask(port, path="/api/studies", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode(errors="replace")
