"""One folder per Lambda function, with a thin handler that parses, calls the domain and returns a
contract."""
