using Hive.Protocol;
using Hive.Runtimes;

namespace Hive.Tests.Containers;

public sealed class InstanceTests
{
    [Fact]
    public void Links_to_one_data_folder_share_an_instance_and_other_folders_differ()
    {
        var folder = Directory.CreateTempSubdirectory("hive-link-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "disk", "data"));
            Directory.CreateSymbolicLink(Path.Combine(folder, "direct"), Path.Combine(folder, "disk", "data"));
            Directory.CreateSymbolicLink(Path.Combine(folder, "above"), "disk");
            Directory.CreateSymbolicLink(Path.Combine(folder, "twice"), "above/data/");
            var real = Of("disk/data");
            Assert.All(
                ["direct", "above/data", "twice", "disk/data/", "above/../disk/data"],
                path => Assert.Equal(real, Of(path))
            );
            Assert.NotEqual(real, Of("disk/other"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        string Of(string path) => Instance.Of(HivePaths.Find(Path.Combine(folder, path), "/nowhere"));
    }
}
