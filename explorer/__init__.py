"""The Streamlit app: screens over `models`. It knows no mathematics."""
