namespace Hive.Common;

/// <summary>This build of Hive: a page that was made for another one has to be loaded again.</summary>
/// <param name="Version">The version and the beginning of a hash of the build: <c>0.1.0+3f9a0c2b71de</c>.</param>
public sealed record HiveBuild(string Version);
