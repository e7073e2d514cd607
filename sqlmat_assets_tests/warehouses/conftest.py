from sqlmat_assets_tests.keeping_open import keep_open

__all__ = ["keep_open"]
