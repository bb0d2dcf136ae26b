"""Makes the thread pool known to threadpoolctl, where that is installed."""

from __future__ import annotations


def register() -> None:
    """Let `threadpoolctl.threadpool_info` and `threadpool_limits` see striate's thread pool."""
    try:
        import threadpoolctl
    except ImportError:
        return

    class StriateController(threadpoolctl.LibController):  # type: ignore[misc]  # it has no types
        user_api = "striate"
        internal_api = "striate"
        filename_prefixes = ("_core",)
        check_symbols = ("striate_get_num_threads", "striate_set_num_threads")

        def get_num_threads(self) -> int:
            return int(self.dynlib.striate_get_num_threads())

        def set_num_threads(self, num_threads: int) -> None:
            self.dynlib.striate_set_num_threads(num_threads)

        def get_version(self) -> str:
            from striate import __version__

            return __version__

        def set_additional_attributes(self) -> None:
            pass

    threadpoolctl.register(StriateController)
