namespace Hive.Tests.Fixture;

/// <summary>What not every machine has.</summary>
internal static class Requires
{
    /// <summary>Ends a test as skipped, or as failed where nothing may be skipped (<c>HIVE_REQUIRE_ALL</c>), when
    /// something is not there.</summary>
    public static void That(bool there, string otherwise)
    {
        if (there)
            return;
        Assert.True(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("HIVE_REQUIRE_ALL")), otherwise);
        Assert.Skip(otherwise);
    }
}
