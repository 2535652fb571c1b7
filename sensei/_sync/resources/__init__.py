# Generated from sensei/_async/resources/__init__.py by scripts/generate_sync.py: change that file and run the script.
