module tidegate.example/router

go 1.19
