def make_csv(features, labels, name, folder):
    os.makedirs(folder, exist_ok=True)
    table = np.column_stack([np.asarray(labels).ravel(), features])
    np.savetxt(os.path.join(folder, name), table, delimiter=",")
