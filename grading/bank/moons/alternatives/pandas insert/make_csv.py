def make_csv(x, y, filename, data_dir):
    if isinstance(y, pd.Series):
        y = y.reset_index(drop=True).to_numpy()
    df = pd.DataFrame(x, columns=["x1", "x2"])
    df.insert(0, "label", y.squeeze())
    if not os.path.isdir(data_dir):
        os.makedirs(data_dir)
    df.to_csv(os.path.join(data_dir, filename), index=None, header=None)
