"""What babelwire costs, beside the bare engines and beside others: `python -m ops.bench`."""
